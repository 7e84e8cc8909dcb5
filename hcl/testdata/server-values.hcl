server "kts01.example.com" {
  listen   = [":11371", "kts01.example.com", "KTS01.example.com:443", "kts01.example.com:443"]
  hostname = "kts_01"

  tls {
    ciphers                     = "ECDHE+AESGCM:!aNULL\n"
    ca_chain                    = "chain.pem"
    private_key_password_script = "kts-key-password ThisISAs3cr3t!"
  }
}

server "kts02.example.com" {
  listen   = []
  hostname = ["kts.example.com"]

  tls {
    ciphers                     = ["ECDHE+AESGCM"]
    ca_chain                    = true
    private_key_password_script = ["/bin/echo", "-n", "ThisISAs3cr3t!"]
  }
}

server "kts03.example.com" {
  listen = [":1", ":2", ":3", ":4", ":5", ":6", ":7", ":8", ":9", ":10", ":11", ":12", ":13", ":14", ":15", ":16", ":17"]
}

server "kts04.example.com" {
  listen = [":11371", "[::1]:11371", ":11371"]
  tls {
    private_key_password_script = "/bin/echo -n ThisISAs3cr3t!\u0000"
    private_key_password        = "ThisISAs3cr3t!"
    cipher                      = "ECDHE"
  }
  private_key_password_script = "/bin/echo -n ThisISAs3cr3t!"
}

server "kts05.example.com" {
  tls {
    private_key_password_script = ""
  }
}

server "kts06.example.com" {
  tls {
    private_key_password_script = "/bin/echo\tThisISAs3cr3t!"
  }
}
