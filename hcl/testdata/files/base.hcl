# Read first, and its errors come first.
server "kts01.example.com" {
  listen = ":11371"
}
database "sqlite" {}
organization "one" {
  contacts = ["finn@example.com"]
}
removed "three" {}
