# Each element's type would be compared with each.
locals {
  hundred = range(100)
  many    = flatten([for n in local.hundred : [for m in local.hundred : [m, "x"]]])
  either  = true ? local.many : concat(local.many, [1])
  expand  = concat(local.many...)
}
