server "KTS01.example.com" {
  lisen     = ":11371"
  auth_code = "ThisISAs3cr3t!"
}
database "sqlite" {}
