organization "teams" {
  for_each = { lab = "finn", mail = "bmo", lab = "jake" }
  contacts = ["${each.value}@example.com"]
}

locals {
  map = {
    lab   = { a = 1, "a" = 2 }
    "lab" = 2
    1     = "x"
    (1)   = "y"
    true  = "x"
    true  = "y"
    ""    = "x"
    ""    = "y"
  }
  auth_code = { s3cr3t = 1, s3cr3t = 2 }
  loop      = [for x in ["a"] : { "k" = x, k = x }]
  other     = { (local.key) = 1, (local.key) = 2, "${local.key}" = 3, key = 4 }
  key       = "a"
}

organization "one" {
  contacts = [local.map.lab, { x = "a@b", x = "c@d" }.x]
}
