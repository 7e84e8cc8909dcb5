database "sqlite" {
  url_file = "/etc/keytrustee/database-url"
  root     = "/var/lib/keytrustee/db"
}
