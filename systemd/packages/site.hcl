# The Key Trustee site that this host belongs to. As root:
#
#   ktadmin init                                # once, makes the server's keys
#   ktadmin plan  -f /etc/keytrustee/site.hcl   # shows what would change, and changes nothing
#   ktadmin apply -f /etc/keytrustee/site.hcl   # shows it again, asks, and does it
#
# As it stands the file declares nothing: ktsd serves on port 11371 with the
# certificate that init made, on its embedded database. /usr/share/doc/ktsd/examples
# has sites of two hosts, and with PostgreSQL. Take out the "#" of what you want.

# One block for each host; each finds its own by its name, which init recorded.
#
# server "kts01.example.com" {
#   listen = ":11371"
#
#   tls {
#     certificate = "/etc/pki/keytrustee/kts01.pem"
#     private_key = "/etc/pki/keytrustee/kts01.key"
#   }
# }

# A tenant: its clients share a vault that no other sees, and register with a code
# that apply tells where to read.
#
# organization "disaster-recov" {
#   contacts = ["finn@example.com", "jake@example.com"]
#   approval = "auth_code"
# }
