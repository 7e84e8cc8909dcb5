server "kts01" {
  listen = ["[::1]:443", "[0:0:0:0:0:0:0:1]:443", "127.0.0.1:443", "[::ffff:127.0.0.1]:443"]
}

server "kts02" {
  listen = [
    "127.0.0.1:443",
    ":443",
    "kts02:11371",
    "[::1]:443",
  ]
}

server "kts03" {
  listen = local.addresses
}

locals { addresses = [":1", "a:1"] }

server "kts04" {
  listen = ["0.0.0.0:443", "[::]:443", "127.0.0.1:443", "127.0.0.1:444"]
}
