lsten = ":11371"

sever "kts01.example.com" {
}

vault "x" {}

server "kts01.example.com" {
  lisen       = ":11371"
  min_version = "tlsv1.2"
  ciphers     = "HIGH"
  colour      = "blue"
  tls         = { min_version = "tlsv1.2" }

  listen {
    port = 11371
  }

  tsl {
    min_version = "tlsv1.2"
  }
}

organization "disaster-recov" {
  contacts = ["finn@example.com"]
  aproval  = "contacts"
  tls {}
}
