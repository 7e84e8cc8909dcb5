organization "one" {
  contacts  = ["finn@example.com"]
  auth_code = "ThisISAs3cr3t!"
}

organization "two" {
  contacts = ["finn@example.com"]
  auth_code_file = "ThisISAs3cr3t!"
  auth_secret = <<EOT
ThisISAs3cr3t!
EOT
  passphrase = ["ThisISAs3cr3t!",
    "ThisISAs3cr3t!"]
}

organization "three" {
  auth = ThisISAs3cr3t
  auth_code_file = ThisISAs3cr3t
}

organization "four" { auth_code = "ThisISAs3cr3t!" }

server "kts01.example.com" {
  tls {
    certificate = "/etc/pki/kts01.pem"
    private_key = "-----BEGIN PRIVATE KEY-----\nThisISAs3cr3t!"
  }
  auth_code "ThisISAs3cr3t!" {
  }
}
