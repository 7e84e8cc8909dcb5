database "postgres" {
  root = "/var/lib/keytrustee/db"
  port = 11381
}

high_availability {
  mode = "pair"
}

mail { relay = "localhost:25" }

variable "domain" {}

server "kts01.example.com" {
  hostname = "kts01"

  tls {
    min_version                 = "tlsv1.2"
    ciphers                     = "ECDHE+AESGCM:!aNULL"
    private_key_password_script = "/usr/local/sbin/kts-key-password"
  }
}

organization "disaster-recov" {
  contacts   = ["finn@example.com"]
  managed_by = "tenant"
  expiration = "2030-01-01"
}
