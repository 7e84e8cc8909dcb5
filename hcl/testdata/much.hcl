# What costs too much is said once, and all that comes after is not looked at.
locals {
  much  = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]
  after = 1 + 1
}

organization "one" {
  contacts = ["finn@${local.after}"]
  approval = upper("x")
}

organization "two" {
  contacts = ["finn"]
  approval = "everybody"
}
