database {
}

database "postgre" {
  url = "postgres://ktsd@db.example.com/keytrustee"
}

database "postgres" {
  url = "postgres://ktsd@db.example.com/keytrustee"
}

database "sqlite" {}

database "mysql" {
  host = "db.example.com"
  urls = ["postgres://ktsd@db.example.com/keytrustee"]
}
