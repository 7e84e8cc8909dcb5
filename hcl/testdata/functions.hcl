organization "one" {
  contacts   = uper("x")
  approval   = upper()
  expiration = file("none.txt")
  managed_by = env("NO_SUCH_VARIABLE")
}

organization "two" {
  contacts   = jsondecode("[\"finn\"")
  approval   = format("%d", "x")
  expiration = format("%99999s", "x")
  managed_by = join(",", 1)
}

organization "three" {
  contacts   = split(",", "finn@example.com,jake")
  approval   = lookup({ a = "b" }, "c")
  expiration = [1, 2][5]
  managed_by = { a = "b" }.c
  auth_code_file = lower("ThisISAs3cr3t!")
}

locals {
  long    = join("", [for n in range(1024) : format("%999s", "x")])
  joined  = join(local.long, ["a", "b", "c"])
  doubled = replace(local.long, " ", local.long)
  pasted  = "${local.long}${local.long}"
  deep    = jsondecode(join("", [for n in range(200) : "["]))
  huge    = jsondecode("1e99999")
  ranged  = range(2000)
  exact   = distinct([for n in range(1024) : n])
  mixed   = distinct([[1]])
  set     = toset(["a", 1])
  nulls   = coalesce(null, null)
  list    = lookup(["a"], "a", "b")
}
