organization "test lab" {
  contacts = ["finn@example.com"]
}

server "kts01.example.com" {
  listen = ":11371"
