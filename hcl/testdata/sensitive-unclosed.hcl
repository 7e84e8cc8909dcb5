variable "first" {
  sensitive = true
  default   = "s3cr3t-one
}

variable "last" {
  default   = "s3cr3t-two
  sensitive = true
}

variable "list" {
  type = list(string)
  default = [
    "s3cr3t",
    "s3cr3t-three,
  ]
  sensitive = true
}

variable "bare" {
  default   = s3cr3t four
  sensitive = true
}

variable "document" {
  default   = <<X
s3cr3t five
  sensitive = true
}
