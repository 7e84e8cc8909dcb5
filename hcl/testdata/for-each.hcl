organization "lab" {
  for_each = { a = "finn", "b c" = "jake", d = "marceline" }
  contacts = ["${each.value}@example.com", "${each.key}"]
  aproval  = "contacts"
}

organization "mail" {
  for_each = ["one", "two", "three"]
  name     = "vault-${length(each.key)}"
  contacts = ["finn@example.com"]
}

organization "mail" {
  for_each = toset(["vault-3", "one"])
  contacts = ["finn@example.com"]
}

organization "one" {
  contacts = ["jake@example.com"]
}

organization "number" {
  for_each = 3
  contacts = ["finn@example.com"]
}

organization "numbers" {
  for_each = [1, 2]
  contacts = ["finn@example.com"]
}

organization "twice" {
  for_each = ["x", "x"]
  contacts = ["finn@example.com"]
}

organization "null" {
  for_each = null
  contacts = ["finn@example.com"]
}

organization "many" {
  for_each   = { for n in range(1000) : "org-${n}" => n }
  contacts   = each.value < 500 ? ["finn@example.com"] : []
  expiration = each.value
}

organization "more" {
  for_each = range(30)
  contacts = ["finn@example.com"]
}

organization "various" {
  for_each = { for n in range(30) : "various-${n}" => "user ${n}" }
  contacts = [each.value]
}

organization "names" {
  for_each = { x = 1, y = 2, z = null }
  name     = each.value
  contacts = ["finn@example.com"]
}

server "kts01" {
  for_each = { a = "b" }
}

removed "d" {}
