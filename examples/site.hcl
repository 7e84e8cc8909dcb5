# A bank's Key Trustee site: two servers and three organizations in one file,
# the same on both hosts. Each host applies the server block that bears its
# name, and the organizations.

server "kts01.example.com" {
  listen = "kts01.example.com:11371"

  tls {
    min_version = "tlsv1.2"
    certificate = "/etc/pki/keytrustee/kts01.pem"
    private_key = "/etc/pki/keytrustee/kts01.key"
  }
}

server "kts02.example.com" {
  listen = "kts02.example.com:11371"

  tls {
    min_version = "tlsv1.2"
    certificate = "/etc/pki/keytrustee/kts02.pem"
    private_key = "/etc/pki/keytrustee/kts02.key"
  }
}

# What clients and organizations may keep and ask for, and what a server holds at
# once, the same on both servers. What is not named has its default.
limits {
  client_deposits = 20000
  client_bytes    = "512MiB" # with what is deleted and not yet purged
  client_rate     = 200      # requests a second
  pending_expiry  = "14d"    # a registration that nobody approves is gone after
  purge_after     = "30d"    # a delete can be taken back for so long

  # The load balancer is one address: it may have all the connections.
  connections             = 20000
  connections_per_address = 20000
}

# Each server's audit log.
audit {
  segment_size = "64MiB"
  segment_age  = "24h"
  low_water    = "1GiB" # of free space, below which nothing is written any more
}

# Disk keys of the core banking hosts: they are installed by a script, which
# holds the code. The file belongs to root and has mode 0600.
organization "core-banking" {
  contacts = [
    "secops@example.com",
    "finn@example.com",
  ]
  approval       = "auth_code"
  auth_code_file = "/etc/keytrustee/core-banking.code"
}

# Few clients, each of them let in by a person.
organization "disaster-recov" {
  contacts = ["finn@example.com", "jake@example.com"]
  approval = "contacts"
}

# Throw-away hosts of the test laboratory: everybody is let in, so nothing of
# value belongs here.
organization "test-lab" {
  contacts = ["marceline@example.com"]
  approval = "automatic"
}
