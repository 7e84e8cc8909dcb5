locals {
  a      = local.b
  b      = [local.c]
  c      = { x = local.a }
  self   = local.self
  ok     = "example.com"
  ok     = "example.org"
  broken = local.missing
  after  = local.broken
  whole  = keys(local)
  each   = each.key
  word   = finn
}

locals {
  b = 1
}

variable "domain" {
  default = "example.com"
}

server "kts01.example.com" {
  listen   = "${local.after}:11371"
  hostname = "kts01.${local.okay}"
  tls {
    certificate = "${var.domian}/x"
    private_key = var
    ca_chain    = vars.x
    ciphers     = local["ok"]
  }
}

organization "one" {
  contacts   = [each.value, "finn@${var.domain}", local.domain]
  approval   = each.kex
  managed_by = [for x in [1]: x][1]
  expiration = local.ok.x
}

organization "two" {
  contacts = { a = "b" }
  approval = true ? "contacts" : 1
  name     = "three"
}

limits {
  client_deposits = 1 / 0
  client_rate     = "a" + 1
  purge_after     = 1 == 1
}
