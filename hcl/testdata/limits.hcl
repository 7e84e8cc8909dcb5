limits "site" {
  client_deposits         = 0
  client_bytes            = "1GB GB"
  client_rate             = "1000"
  organization_deposits   = 1.5
  organization_bytes      = "64Gib"
  organization_rate       = 1e9
  pending_clients         = -1
  pending_expiry          = "59m"
  purge_after             = "7 days"
  connections             = true
  connections_per_address = [1]
  bodies                  = 1048576
  answers                 = ""
  verifications           = 257
}

limits {
  client_bites = "1GiB"
  pending      = 7
  purge_after  = 7
  answers      = 99999999999999999999

  audit {}
}

limits {
  purge_after = lots
  client_deposits = null
  client_rate = 1
  client_rate = 2
  pending_clients = 1e9999
}
