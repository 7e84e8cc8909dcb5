database "postgres" {
  url      = "service=keytrustee"
  url_file = "/etc/keytrustee/database-url"
}
