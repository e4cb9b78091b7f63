<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local\provision;

use core_course\customfield\course_handler;
use core_customfield\api;
use core_customfield\data_controller;
use core_customfield\field_controller;

/**
 * Sets custom fields of a course, all of them or none.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class course_fields {
    /**
     * For one course.
     *
     * @param \stdClass $course
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course
    ) {
    }

    /**
     * Sets the fields; those that have their value already are not written.
     *
     * @param string[] $values by short name
     * @return string[] short names of those that were changed
     */
    public function set(array $values): array {
        $fields = [];
        foreach (course_handler::create()->get_fields() as $field) {
            $fields[$field->get('shortname')] = $field;
        }
        $unknown = array_diff(array_keys($values), array_keys($fields));
        if ($unknown) {
            $known = implode(', ', array_keys($fields)) ?: '-';
            throw new problem('nofield', ['fields' => implode(', ', $unknown), 'known' => $known]);
        }
        return work::whole((int) $this->course->id, function () use ($values, $fields): array {
            $changed = [];
            foreach ($values as $shortname => $value) {
                if ($this->set_one($fields[$shortname], (string) $value)) {
                    $changed[] = (string) $shortname;
                }
            }
            if ($changed) {
                $this->tell();
            }
            return $changed;
        });
    }

    /**
     * The values of all fields, as set() takes them. Where nobody chose one, the field's default counts, as Moodle shows it.
     *
     * @return string[] by short name
     */
    public function values(): array {
        $fields = course_handler::create()->get_fields();
        $byid = array_combine(array_map(static fn(field_controller $field): int => (int) $field->get('id'), $fields), $fields);
        $values = [];
        foreach (api::get_instance_fields_data($byid, (int) $this->course->id) as $id => $data) {
            $value = $data->get_value();
            $values[$byid[$id]->get('shortname')] = match ($byid[$id]->get('type')) {
                'checkbox' => (string) (int) $value,
                'select' => self::options($byid[$id])[(int) $value] ?? '',
                'date' => (int) $value ? (string) (int) $value : '',
                'number' => $value === null || $value === '' ? '' : (string) (float) $value,
                default => (string) $value,
            };
        }
        return $values;
    }

    /**
     * The options of a menu as they were written; Moodle tells them as HTML.
     *
     * @param field_controller $field
     * @return string[] the first one is to have none
     */
    public static function options(field_controller $field): array {
        $written = trim((string) $field->get_configdata_property('options'));
        return ['', ...preg_split('/\s*\n\s*/', $written, -1, PREG_SPLIT_NO_EMPTY)];
    }

    /**
     * Sets one field.
     *
     * @param field_controller $field
     * @param string $value
     * @return bool whether it was changed
     */
    private function set_one(field_controller $field, string $value): bool {
        $data = api::get_instance_fields_data([$field->get('id') => $field], (int) $this->course->id)[$field->get('id')];
        $parsed = $this->parse($field, $value);
        if ($data->get('id') && self::same($data, $parsed)) {
            return false;
        }
        $form = $field->get('type') === 'textarea' ? ['text' => $value, 'format' => FORMAT_HTML, 'itemid' => 0] : $parsed;
        $submitted = ['id' => $this->course->id, $data->get_form_element_name() => $form];
        $errors = $data->instance_form_validation($submitted, []);
        if ($errors) {
            throw new problem('badvalue', ['field' => $field->get('shortname'), 'why' => strip_tags(reset($errors))]);
        }
        if (!$data->get('id')) {
            $data->set('contextid', \context_course::instance($this->course->id)->id);
        }
        $data->instance_form_save((object) $submitted);
        return true;
    }

    /**
     * The value as the field's kind keeps it.
     *
     * @param field_controller $field
     * @param string $value
     * @return mixed
     */
    private function parse(field_controller $field, string $value): mixed {
        $bad = fn(string $why): problem => new problem('badvalue', ['field' => $field->get('shortname'), 'why' => $why]);
        switch ($field->get('type')) {
            case 'checkbox':
                return in_array($value, ['0', '1'], true) ? (int) $value : throw $bad('0, 1');
            case 'select':
                $options = self::options($field);
                $found = $value === '' ? 0 : array_search($value, $options, true);
                return $found === false ? throw $bad(implode(', ', array_slice($options, 1))) : (int) $found;
            case 'date':
                return preg_match('/^\d+$/', $value) ? (int) $value : ($value === '' ? 0 : throw $bad('Unix s'));
            case 'number':
                return $value === '' || is_numeric($value) ? $value : throw $bad('1, 2.5');
            default:
                return $value;
        }
    }

    /**
     * Whether a field has a value already.
     *
     * @param data_controller $data
     * @param mixed $parsed
     * @return bool
     */
    private static function same(data_controller $data, mixed $parsed): bool {
        $now = $data->get($data->datafield());
        // Numbers by their value, which is kept with more digits; of texts every character counts.
        $numbers = in_array($data->datafield(), ['intvalue', 'decvalue'], true) && is_numeric($now) && is_numeric($parsed);
        return $numbers ? (float) $now === (float) $parsed : (string) $now === (string) $parsed;
    }

    /**
     * Lets Moodle, and so the service, know that the course changed.
     */
    private function tell(): void {
        $event = \core\event\course_updated::create([
            'objectid' => $this->course->id,
            'context' => \context_course::instance($this->course->id),
            'other' => ['shortname' => $this->course->shortname, 'fullname' => $this->course->fullname, 'updatedfields' => []],
        ]);
        $event->add_record_snapshot('course', $this->course);
        $event->trigger();
    }
}
