# A Key Trustee server on this machine, and one organization to try it with:
#
#   ktadmin init  --hostname localhost
#   ktadmin plan  -f quickstart.hcl      # shows what would change, and changes nothing
#   ktadmin apply -f quickstart.hcl      # shows it again, asks, and does it

# The label is the name of the host. Every host finds its own block by it.
server "localhost" {
  listen = "localhost:11371" # this machine only; ":11371" is every interface
}

# An organization is a tenant: its clients share a vault that no other sees.
organization "quickstart" {
  # Who looks after it. A user of this machine will do.
  contacts = ["root@localhost"]

  # Clients register with a code that ktsd generates; apply says where to read
  # it. The other ways are "contacts" (one of them lets each client in) and
  # "automatic" (everybody is let in).
  approval = "auth_code"
}
