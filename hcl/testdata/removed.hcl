removed "one" {
  deposits = 12
}

organization "one" {
  contacts = ["finn@example.com"]
}

removed "two" { deposits = -1 }
removed "three" { deposits = 1.5 }
removed "four" { deposits = "12" }
removed "five" { deposits = many }

removed "six" {}
removed "six" { deposits = 1 }

removed "two words" {}
removed {}

removed "seven" { deposit = 1 }
