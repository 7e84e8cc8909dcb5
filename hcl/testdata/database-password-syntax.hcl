# url = postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee
database "postgres" {
  url = postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee
}

database "postgres" {
  url = "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee
}

database "postgres" {
  url = "user=ktsd
    password=ThisISAs3cr3t!"
}

database postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee {
}
