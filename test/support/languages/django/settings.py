ROOT_URLCONF = "urls"
SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["localhost"]
