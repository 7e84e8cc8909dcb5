organization "two" {
  contacts = ["finn@example.com"
}
