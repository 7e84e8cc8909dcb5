database "postgres" {
  url      = "postgres://db.example.com/keytrustee"
  url_file = "etc/database-url"
  port     = 11381

  tls {}
}
