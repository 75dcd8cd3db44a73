-- The health of a LoadTest for Argo CD: put this under the key
--   resource.customizations.health.x-load-test.dev_LoadTest
-- of the ConfigMap argocd-cm. A test that has ended without passing is Degraded, which fails the sync that waits for it.
local health = {status = "Progressing", message = "the operator has not seen the test yet"}
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
health.message = status.message
for _, condition in ipairs(status.conditions) do
  if condition.type == "Completed" and condition.status == "True" then
    health.status = status.verdict == "Passed" and "Healthy" or "Degraded"
    health.message = status.verdict .. ": " .. status.message
    return health
  end
end
if status.phase == "Queued" and obj.spec.suspend then
  health.status = "Suspended"
end
return health
