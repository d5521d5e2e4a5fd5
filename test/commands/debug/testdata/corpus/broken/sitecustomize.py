raise ValueError("the person's own sitecustomize is broken")
