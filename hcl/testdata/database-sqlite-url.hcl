database "sqlite" {
  url = "service=keytrustee"
}
