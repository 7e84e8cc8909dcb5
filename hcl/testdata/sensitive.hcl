variable "password" {
  default   = "ThisISAs3cr3t!"
  sensitive = true
}

locals {
  script = "/bin/echo -n ThisISAs3cr3t!"
  part   = "ThisISAs3cr3t!"
  list   = [var.password]
  plain  = "example.com"
}

server "kts01.example.com" {
  listen   = ":${var.password}"
  hostname = var.password
  tls {
    ciphers                     = "ECDHE:${local.list[0]}"
    private_key_password_script = "${var.password} -n"
  }
}

server "kts02.example.com" {
  tls {
    private_key_password_script = local.script + 1
  }
}

server "kts03.example.com" {
  tls {
    private_key_password_script = "/bin/${var.password} -n"
  }
}

server "kts04.example.com" {
  tls {
    private_key_password_script = "echo -n ${local.part}"
  }
}

server "kts05.example.com" {
  tls {
    private_key_password_script = jsondecode("[${var.password}")
  }
}

database "postgres" {
  url = "postgres://ktsd:${var.password}@db/keytrustee"
}

organization "one" {
  contacts = ["finn@${var.password}", jsondecode(var.password)]
  approval = var.password == "x" ? "contacts" : "automatic"
}

organization "two" {
  for_each = toset(local.list)
  contacts = local.list
}

organization "three" {
  contacts = [file(var.password), env(var.password), var.password.x]
}

removed "four" {
  deposits = length(local.list)
}

limits {
  client_rate = var.password
}
