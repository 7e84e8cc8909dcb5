# Many tenants from few lines: variables, locals and for_each. The values come from
#
#   ktadmin plan -f tenants.hcl --var domain=example.org
#
# or from the environment (KTADMIN_VAR_domain), or from a file (--var-file).

variable "domain" {
  description = "of the contacts' mail addresses"
  default     = "example.com"
}

locals {
  # What differs between the tenants. A file of comma-separated values does as
  # well: { for t in csvdecode(file("tenants.csv")) : t.name => t }
  tenants = {
    payments = { contact = "finn", approval = "contacts", until = null }
    archive  = { contact = "jake", approval = "auth_code", until = null }
    fair     = { contact = "bmo", approval = "automatic", until = "2031-12-31" }
  }
}

server "kts01.example.com" {
  listen = [":11371"]

  tls {
    min_version = "tlsv1.2"
    ciphers     = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
  }
}

organization "tenant" {
  for_each = local.tenants

  name       = "${each.key}-vault"
  contacts   = ["${each.value.contact}@${var.domain}", "secops@${var.domain}"]
  approval   = each.value.approval
  expiration = each.value.until

  # The contacts look after it from here on: what they change is shown by every
  # plan, and never taken back.
  managed_by = "tenant"
}

# An organization goes only by a block that says so, and counts what is lost.
removed "laboratory" {
  deposits = 0
}
