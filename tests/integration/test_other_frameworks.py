"""The lines for Django, Rails and Spring in docs/other-frameworks.md, in the smallest service around them.

What the page leaves to the reader, such as the check of a token and the reading of a file, is added here.
"""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcluster.installation import REPOSITORY
from localcluster.packages import PackageError, install
from localcluster.ports import free_port
from nginx_proxy import wait_until_serving

PAGE = (REPOSITORY / "docs" / "other-frameworks.md").read_text()
TOKEN = "a-token-of-the-tests"
FIELDS = ("--only", "", "--field", "sku=unique:prefix=P-,width=8", "--field", "name=faker:catch_phrase")

DJANGO_SERVICE = """
import csv, hmac, io, os, sys
import django
from django.conf import settings
settings.configure(
    DEBUG=True, SECRET_KEY="k" * 50, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], INSTALLED_APPS=[],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}}}},
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
)
django.setup()
from django.core.management import execute_from_command_line
from django.db import connection, models, transaction
from django.http import HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

class Customer(models.Model):
    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    class Meta:
        app_label = "shop"

def is_trusted(request):
    return hmac.compare_digest(request.headers.get("Authorization", ""), "LoadTest {token}")

def read(file):
    return [Customer(**row) for row in csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))]

{view}

def count(request):
    return JsonResponse({{"count": Customer.objects.count()}})

urlpatterns = [path("products/", upload), path("count/", count)]

if not os.path.exists("shop.db"):
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
execute_from_command_line(["manage.py", "runserver", "--noreload", sys.argv[1]])
"""

RAILS_SERVICE = """
ENV["DATABASE_URL"] = "sqlite3:shop.db?timeout=10000"
require "action_controller/railtie"
require "active_record/railtie"

class Product < ActiveRecord::Base; end

class Shop < Rails::Application
  config.eager_load = false
  config.secret_key_base = "k" * 64
  config.logger = Logger.new($stderr)
  config.hosts.clear
  routes.append do
    post "/products/", to: "products#create"
    get "/count/", to: "products#count"
  end
end

{controller}

class ProductsController
  private

  def trusted?(request)
    ActiveSupport::SecurityUtils.secure_compare(request.headers["Authorization"].to_s, "LoadTest {token}")
  end
end

Shop.initialize!
ActiveRecord::Schema.define {{ create_table(:products, force: true) {{ |t| t.string :sku; t.string :name }} }}
run Shop
"""

SPRING_POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.7</version>
  </parent>
  <groupId>shop</groupId>
  <artifactId>shop</artifactId>
  <version>1</version>
  <properties><java.version>17</java.version></properties>
  <dependencies>
    <dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency>
    <dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-jdbc</artifactId></dependency>
    <dependency><groupId>com.h2database</groupId><artifactId>h2</artifactId></dependency>
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.springframework.boot</groupId><artifactId>spring-boot-maven-plugin</artifactId>
  </plugin></plugins></build>
</project>
"""

SPRING_SERVICE = """
package shop;

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.*;
import org.springframework.web.multipart.MultipartFile;
import org.springframework.web.server.ResponseStatusException;

@SpringBootApplication
public class Shop {{
    public static void main(String[] words) {{ SpringApplication.run(Shop.class, words); }}

    static boolean isTrusted(String authorization) {{
        return MessageDigest.isEqual(authorization.getBytes(), "LoadTest {token}".getBytes());
    }}
}}

class ProductFile {{
    static List<Object[]> parse(InputStream file) throws IOException {{
        BufferedReader reader = new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8));
        return reader.lines().skip(1).map(line -> (Object[]) line.split(",", 2)).toList();
    }}
}}

{controller}
"""
SPRING_TABLE = "CREATE TABLE products (sku VARCHAR(40) PRIMARY KEY, name VARCHAR(200));"


def code_of(heading: str, language: str) -> str:
    """The first block of code under a heading of the page."""
    section = PAGE.partition(f"## {heading}\n")[2]
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", section.partition("\n## ")[0], re.MULTILINE | re.DOTALL)[:1]
    return str(code)


@contextmanager
def serving(folder: Path, port: int, command: Sequence[str]) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        wait_until_serving(server, port, log)
        yield
    finally:
        server.terminate()
        server.wait(30)


def loadgen(folder: Path, *words: str, token: str = "") -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("loadgen")), *words, "--auth-scheme", "LoadTest"]
    variables = {**os.environ, "AUTH_TOKEN": token}
    return subprocess.run(command, check=False, cwd=folder, env=variables, capture_output=True, text=True, timeout=120)


def assert_is_proven(folder: Path, port: int) -> None:
    """The service refuses a load test without the token, stores what anybody uploads, and is proven."""
    base = f"http://127.0.0.1:{port}"
    (folder / "one.csv").write_text("sku,name\nA-1,Saw\n")
    subprocess.run(["curl", "-fsS", "-F", "file=@one.csv", f"{base}/products/"], check=True, cwd=folder)

    refused = loadgen(folder, "verify", "--url", f"{base}/products/")
    proof = ("--require", "proven", "--read-back", f"{base}/count/", "--read-back-count", "count")
    load = ("--batch-size", "100", "--virtual-users", "1", "--duration", "2s", "--threshold", "error_rate < 1%")
    passed = loadgen(folder, "run", "custom", "--url", f"{base}/products/", *load, *FIELDS, *proof, token=TOKEN)

    assert "403" in refused.stdout, refused.stdout + refused.stderr
    assert re.search(r"Verdict +Passed\nProof +Proven", passed.stdout), passed.stdout + passed.stderr
    with urllib.request.urlopen(f"{base}/count/", timeout=30) as answer:
        assert answer.read().replace(b" ", b"") == b'{"count":1}'


def test_the_lines_for_django_without_the_guard_are_proven(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "service.py").write_text(
        DJANGO_SERVICE.format(view=code_of("Django, without the guard", "python"), token=TOKEN)
    )

    with serving(tmp_path, port, [sys.executable, "service.py", f"127.0.0.1:{port}"]):
        assert_is_proven(tmp_path, port)


def test_the_lines_for_rails_are_proven(tmp_path: Path) -> None:
    if shutil.which("puma") is None:
        try:
            install(["ruby-railties", "ruby-actionpack", "ruby-activerecord", "ruby-sqlite3", "puma"])
        except PackageError as error:
            pytest.skip(f"there is no Rails: {error}")
    port = free_port()
    (tmp_path / "config.ru").write_text(RAILS_SERVICE.format(controller=code_of("Rails", "ruby"), token=TOKEN))

    with serving(tmp_path, port, ["puma", "--bind", f"tcp://127.0.0.1:{port}", "--threads", "1:1", "config.ru"]):
        assert_is_proven(tmp_path, port)


def test_the_lines_for_spring_are_proven(tmp_path: Path) -> None:
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        try:
            install(["default-jdk-headless", "maven"])
        except PackageError as error:
            pytest.skip(f"there is no Maven: {error}")
    port = free_port()
    controller = code_of("Spring", "java").replace("!isTrusted(", "!Shop.isTrusted(")
    resources = "src/main/resources"
    for path, text in {
        "pom.xml": SPRING_POM,
        "src/main/java/shop/Shop.java": SPRING_SERVICE.format(controller=controller, token=TOKEN),
        f"{resources}/schema.sql": SPRING_TABLE,
        f"{resources}/application.properties": "spring.datasource.url=jdbc:h2:mem:shop;DB_CLOSE_DELAY=-1",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    built = subprocess.run(
        ["mvn", "-q", "-B", "package"], check=False, cwd=tmp_path, capture_output=True, text=True, timeout=500
    )
    if "Could not resolve" in built.stdout + built.stderr or "Could not transfer" in built.stdout + built.stderr:
        pytest.skip(f"Spring cannot be had: {built.stdout[-500:]}")
    assert built.returncode == 0, built.stdout + built.stderr

    server = ["java", "-jar", "target/shop-1.jar", "--server.address=127.0.0.1", f"--server.port={port}"]
    with serving(tmp_path, port, server):
        assert_is_proven(tmp_path, port)
