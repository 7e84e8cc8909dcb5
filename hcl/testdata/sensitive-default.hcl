# The quotes are forgotten, and the mark stands before or behind.
variable "first" {
  sensitive = true
  default   = s3cr3t-2-x
}

variable "last" {
  default   = "${s3cr3t}"
  sensitive = true
}

variable "list" {
  type = list(string)
  default = [
    "s3cr3t",
    s3cr3t-2-x,
  ]
  sensitive = true
}

variable "wrong" {
  type      = number
  default   = "s3cr3t"
  sensitive = "true"
}

variable "typed" {
  sensitive = true
  defalt    = "s3cr3t"
}

variable "twice" {
  sensitive = true
  default   = "x"
  default   = "s3cr3t"
}

variable "described" {
  sensitive   = true
  description = s3cr3t-2-x
}

variable "shown" {
  sensitive = false
  default   = example-com
}
