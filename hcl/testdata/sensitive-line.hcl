variable "one" { sensitive = true  default = s3cr3t-2-x }

variable "two" { default = "s3cr3t", sensitive = true }

variable "three" { sensitive = true, default = "s3cr3t }

variable "pin_code" {
  default = "s3cr3t
}

variable "shown" { default = example com }
