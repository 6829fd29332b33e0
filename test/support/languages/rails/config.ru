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
# A server may take headers for UTF-8, whatever bytes they have.
use(Class.new do
  def initialize(app) = @app = app
  def call(env) = @app.call(env.transform_values { |value| value.is_a?(String) ? value.dup.force_encoding("UTF-8") : value })
end)
run App
