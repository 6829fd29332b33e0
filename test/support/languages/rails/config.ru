# The least of an app around the controller and the routes of docs/verify/ruby.md.
require "action_controller/railtie"

class App < Rails::Application
  config.root = __dir__
  config.eager_load = true
  config.load_defaults Rails::VERSION::STRING.to_f
  config.secret_key_base = "of the tests"
  config.logger = Logger.new($stderr, level: :error)
end
App.initialize!
run App
