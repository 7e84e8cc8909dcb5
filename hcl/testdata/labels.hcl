server {
  listen = ":11371"
}

server "kts01.example.com" "kts02.example.com" {
}

organization "disaster recovery" {
  contacts = ["finn@example.com"]
}

server "kts_01" {
  tls "strict" {
    min_version = "tlsv1.3"
  }
}
