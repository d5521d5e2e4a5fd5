print("own usercustomize", __name__)
