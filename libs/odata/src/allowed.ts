import type { EntityModel, ServiceModel } from './model.js';
import { split } from './odata-request.js';
import { type Resource, parseResource } from './resource.js';

const READ = ['GET', 'HEAD'];

/** The methods that a URL below a service is answered to. @throws HeddleError as {@link parseResource} */
export function allowedAt<S>(model: ServiceModel<S>, url: string): string {
  const resource = parseResource(model, split(url).path);
  return ['OPTIONS', ...methodsOf(resource)].join(', ');
}

function methodsOf<S>(resource: Resource<S>): string[] {
  switch (resource.kind) {
    case 'batch':
    case 'function':
      return ['POST'];
    case 'set':
      return [...READ, ...(changesOf(resource.steps).create === undefined ? [] : ['POST'])];
    case 'entity': {
      const { change, remove } = changesOf(resource.steps);
      return [
        ...READ,
        ...(change === undefined ? [] : ['PATCH', 'MERGE', 'PUT']),
        ...(remove === undefined ? [] : ['DELETE']),
      ];
    }
    case 'property':
    case 'value': {
      const steps = resource.steps;
      if (changesOf(steps).change === undefined) return READ;
      return [...READ, 'PATCH', 'MERGE', 'PUT', ...(resource.kind === 'value' ? ['DELETE'] : [])];
    }
    default:
      return READ;
  }
}

function changesOf<S>(steps: readonly { entity: EntityModel<S> }[]): NonNullable<EntityModel<S>['changes']> {
  return steps.at(-1)?.entity.changes ?? {};
}
