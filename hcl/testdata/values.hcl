server "kts01.example.com" {
  listen = "kts01.example.com"
  tls {
    min_version = "tlsv1.4"
    certificate = "pki/kts01.pem"
  }
}

server "kts02.example.com" {
  listen = ":99999"
  tls {
    private_key = "kts02.key"
    certificate = null
  }
}

organization "none" {}

organization "empty" {
  contacts = []
}

organization "bad" {
  contacts       = ["finn", "Jake <jake@example.com>", "jake@example.com"]
  approval       = "everybody"
  auth_code_file = "codes/bad"
}

organization "no-code" {
  contacts       = ["finn@example.com"]
  approval       = "contacts"
  auth_code_file = "/etc/keytrustee/no-code.code"
}
