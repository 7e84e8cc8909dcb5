database "postgres" {
  root = "/var/lib/keytrustee/db"
  port = 11381
}

high_availability {
  mode = "pair"
}

mail { relay = "localhost:25" }

schedule "nightly" {}

backup {}

hsm "luna" {}
