database "postgres" {
  url      = "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee"
  password = "ThisISAs3cr3t!" # or postgres://ktsd:ThisISAs3cr3t!@db
  dsn      = "host=db.example.com sslpassword = ThisISAs3cr3t!"
}

server "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee" {
  listen = "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee"
}

organization "one" {
  contacts = "postgres://ktsd:ThisISAs3cr3t!@db.example.com/keytrustee"
}

organization "two" {
  contacts = ["user=ktsd password=ThisISAs3cr3t!"]
}
