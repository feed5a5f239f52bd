"""What people see: figures and a page, from the tables of a study."""
