database "postgres" {
  url = null
}
