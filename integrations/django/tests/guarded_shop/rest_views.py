"""Views of Django REST framework."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ModelViewSet

from guarded_shop.models import Customer
from loadtest_guard import protect


class CustomerSerializer(ModelSerializer):
    class Meta:
        model = Customer
        fields = ("number", "name")


@protect
@api_view(["POST"])
def api_view_function(request: Request) -> Response:
    Customer.objects.create(number=request.query_params["number"])
    return Response({"processed_count": 1})


@protect
class ApiClass(APIView):
    def post(self, request: Request) -> Response:
        serializer = CustomerSerializer(data={"number": request.query_params["number"]})
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"processed_count": 1}, status=201)


@protect(count=lambda request, answer: 1)
class CustomerSet(ModelViewSet):
    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer


class FixedToken(BaseAuthentication):
    """Knows one bearer token."""

    def authenticate(self, request: Request) -> tuple[object, None] | None:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme != "Bearer":
            return None
        if token != "of-the-service":
            raise AuthenticationFailed
        return type("User", (), {"is_authenticated": True})(), None


@protect
class ApiWithAToken(APIView):
    authentication_classes = (FixedToken,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        Customer.objects.create(number=request.query_params["number"])
        return Response({"processed_count": 1})
