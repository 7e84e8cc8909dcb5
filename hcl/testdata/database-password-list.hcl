database "postgres" {
  url      = ["user=ktsd password=ThisISAs3cr3t!"]
  url_file = "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee"
}
