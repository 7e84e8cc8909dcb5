server "kts01.example.com" {
  listen = 11371

  tls {
    min_version = ["tlsv1.2"]
    certificate = true
    private_key = { path = "/etc/pki/kts01.key" }
  }
}

organization "one" {
  contacts = "finn@example.com"
  approval = auth_code
}

organization "two" {
  contacts = ["finn@example.com", 7, null, jake]
  approval = upper("contacts")
}

organization "three" {
  contacts = [for name in ["finn", "jake"] : "${name}@example.com"]
  approval = "${var.approval}"
}
