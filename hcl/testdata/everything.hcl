# One of each kind of mistake: all of them are shown in one run.
serve "kts01.example.com" {}

server "kts01.example.com" {
  listen  = 11371
  port    = 11371
  tls {
    certificate = "/etc/pki/${local.host}.pem"
    ciphers     = "ECDHE→AESGCM"
  }
}

variable "domain" {}

organization "one" {
  contacts   = ["finn@${var.domian}", "jake.example.com"]
  expiration = "tomorrow"
}

organization "one" {
  approval = "automatic"
}

database "postgres" {
  url = "postgres://ktsd:ThisISAs3cr3t!@db/keytrustee"
}

removed "two" { deposits = "all" }

backup {}
