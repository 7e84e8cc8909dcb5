# What is called as a secret is, is none that others are told of.
variable "auth_code" {
  default = "ThisISAs3cr3t!"
}

variable "token" {
  type    = number
  default = "ThisISAs3cr3t!"
}

locals {
  auth_code = "ThisISAs3cr3t!"
  copy      = local.auth_code
  words     = { one = upper(local.copy), two = "ThisISAs3cr3t!" }
  secrets   = ["ThisISAs3cr3t!"]
}

organization "one" {
  contacts   = [local.auth_code, "x${local.words.one}", var.auth_code, local.words["two"]]
  approval   = local.copy
  managed_by = "${var.auth_code}"
}

organization "two" {
  for_each = toset(local.secrets)
  contacts = [each.value]
  name     = "two"
}

organization "three" {
  contacts = local.copy
  approval = [for s in local.secrets : s][0]
}

limits {
  purge_after = local.copy
}

server "kts01" {
  listen   = local.secrets
  hostname = local.copy
  tls {
    ciphers     = "${local.copy}\n"
    certificate = local.copy
  }
}

organization "four" {
  for_each = ["ThisISAs3cr3t!-x", local.auth_code, local.copy]
  contacts = ["finn@example.com"]
}

organization "five" {
  contacts = ["${local.part}@x", "${local.part}@x"]
}

locals { part = lower("s3cr3t${local.secrets[0] == "" ? "" : ""}") }
