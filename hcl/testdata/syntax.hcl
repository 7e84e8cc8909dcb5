server "kts01.example.com" {
  listen = ":11371
  tls {
    min_version = "tlsv1.9"
  }
}

organization "disaster-recov" {
  contacts = ["finn@example.com" "jake@example.com"]
}

organization "test lab" {
  contacts = ["finn@example.com"]
}
