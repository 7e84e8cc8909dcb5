server "kts01.example.com" {
  tls {
    min_version = "tlsv1.2"
  }
  tls {
    min_version = "tlsv1.3"
  }
}

server "KTS01.example.com" {
  lisen = ":11372"
}

organization "disaster-recov" {
  contacts = ["finn@example.com"]
}

organization "Disaster-Recov" {
  contacts = ["finn@example.com"]
}

organization "disaster-recov" {
  contacts = [
    "jake@example.com",
    "finn@example.com",
    "jake@example.com",
  ]
  approval = "contacts"
  approval = "automatic"
}

organization "test" {
  contacts = ["jake@example.com", "finn@example.com", "jake@example.com"]
}
