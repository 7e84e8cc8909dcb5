# A program with its password is used as such, and by mistake elsewhere as well.
locals {
  c = "/bin/echo -n s3cr3t"
  d = local.c
  m = { script = "/bin/echo -n s3cr3t" }
  l = ["/bin/echo -n s3cr3t"]
  n = "/bin/echo"
}

variable "v" { default = "/bin/echo -n s3cr3t" }

server "kts01" {
  hostname = local.c
  listen   = local.l
  tls {
    private_key_password_script = local.c
    min_version                 = local.c
    ciphers                     = "${local.c}\n"
    certificate                 = "x${local.d}"
    ca_chain                    = local.m.script
  }
}

server "kts02" {
  listen   = [local.l[0], upper(local.d), "${var.v}"]
  hostname = local.m.script
  tls { private_key_password_script = local.m.script }
}

server "kts03" {
  listen   = var.v
  hostname = [for x in local.l : x][0]
  tls { private_key_password_script = var.v }
}

server "kts04" {
  listen = local.c + 1
  tls { private_key_password_script = local.l[0] }
}

organization "one" {
  contacts       = local.c
  approval       = local.d
  auth_code_file = "x${local.c}"
  expiration     = join(" ", [local.c])
}

organization "two" {
  for_each = local.l
  contacts = [each.value]
  name     = "two"
}

organization "three" {
  for_each = [local.c]
  contacts = ["finn@example.com"]
}

organization "four" {
  contacts = [local.c]
  approval = local.n
}

database "postgres" {
  url = local.c
}

limits {
  client_rate = local.c
  purge_after = local.d
}

removed "five" {
  deposits = local.c
}
