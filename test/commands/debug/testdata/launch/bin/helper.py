print("a helper of a package")
